"""The pure domain: values, and functions over them. No input, no output, no clock."""
