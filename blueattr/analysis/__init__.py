"""What the commands compute: functions that ask a store or a features file a question."""
