"""Questions to a store or a features file, one function a command."""
