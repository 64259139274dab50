"""Readers: one file per format; `open_map` chooses by content, `inspect_map` says what it sees."""

from bradyseism.maps.readers.inspection import Inspection
from bradyseism.maps.readers.opening import inspect_map, open_map
from bradyseism.maps.readers.options import ReadOptions
from bradyseism.maps.readers.truth_table import maps_of_table, options_from_row

__all__ = [
    "Inspection",
    "ReadOptions",
    "inspect_map",
    "maps_of_table",
    "open_map",
    "options_from_row",
]
