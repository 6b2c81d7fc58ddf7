"""Which values a column's kind allows: what no e-mail address, day, telephone number or price can be.

Each test knows one kind of value and says in a sentence why a value cannot be one. A test counts only in a column whose
other values nearly all pass it.
"""
