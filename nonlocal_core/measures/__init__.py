"""Measures: figures of rows and of a whole block over a clip, and the affinity matrix for display."""

from nonlocal_core.measures.block import SAMPLE_QUERIES, BlockMeasures, effect_map, measure_block, sample_queries
from nonlocal_core.measures.matrix import MOST_LINES, AffinityMatrix, Bins, affinity_matrix
from nonlocal_core.measures.objects import ObjectFigures, measure_object, ranking, rows_on_object
from nonlocal_core.measures.row_figures import RowMeasures, measure_row, top_overlap

__all__ = [
    "MOST_LINES",
    "SAMPLE_QUERIES",
    "AffinityMatrix",
    "Bins",
    "BlockMeasures",
    "ObjectFigures",
    "RowMeasures",
    "affinity_matrix",
    "effect_map",
    "measure_block",
    "measure_object",
    "measure_row",
    "ranking",
    "rows_on_object",
    "sample_queries",
    "top_overlap",
]
