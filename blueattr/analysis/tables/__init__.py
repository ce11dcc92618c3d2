"""Tables of users: their own panels, in files of many kinds."""
