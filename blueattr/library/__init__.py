"""What `import blueattr` offers: the questions of the commands, put by a program."""
