"""What mypy alone checks: nothing in here is collected or run by pytest."""  # noqa: A005 - it is no library
