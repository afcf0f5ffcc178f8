"""The type checker that tests switch on: beartype, to which an int is a float as it is to Python's typing."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
