"""Files of features that need not fit into memory."""
