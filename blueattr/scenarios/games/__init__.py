"""The games of a scenario: values of coalitions, and what every method makes of them."""
