"""The built-in catalogs: devices, systems, offers, grids and models, each figure with its source."""
