"""What carried an indicator: accounts, how sure their ranks are, and records."""
