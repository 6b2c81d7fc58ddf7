"""A model cascade: a surrogate learned from the model's answers on this table answers what need not be asked."""
