"""The page a person uses in the browser."""
