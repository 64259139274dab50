"""``python -m bradyseism``: the command line."""

from bradyseism.cli import main

main()
