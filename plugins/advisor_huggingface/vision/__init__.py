"""Vision towers of multi-modal models. Their unit is an image patch."""
