"""What carried the change of an indicator from one window to another."""
