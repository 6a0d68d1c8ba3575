"""Excel: reading what people send, templates, imports and exports."""
