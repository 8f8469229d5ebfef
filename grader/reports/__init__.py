"""Results as people and programs read them: `console` for terminals, `html` for notebooks, `machine` for JSON."""
