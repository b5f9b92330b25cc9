"""How figures are shown: one catalogue of their names, tables of several kinds, one page."""
