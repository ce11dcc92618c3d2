"""What several results share: the answer in words, who was involved, remarks, fields."""
