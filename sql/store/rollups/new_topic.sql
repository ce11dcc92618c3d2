-- A topic that is matched from now on.
INSERT INTO topic VALUES ($topic, $rule)
