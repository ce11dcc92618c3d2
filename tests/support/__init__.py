"""What tests of several files use: builders, servers, naive twins, child processes."""
