"""Tables, pictures and the page of what was measured."""
