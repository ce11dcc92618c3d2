"""Who interacted with whom on a topic, and which communities that makes."""
