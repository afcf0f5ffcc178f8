"""`python -m flowfeat` is the command `flowfeat`."""

from flowfeat.cli import main

if __name__ == "__main__":
    main()
