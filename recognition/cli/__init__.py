"""The commands `flowfeat recognition`: thin, each calls one function of the package."""
