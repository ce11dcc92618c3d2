"""Attribution of a panel in parts: tasks over files, of which only sums and short lists move."""
