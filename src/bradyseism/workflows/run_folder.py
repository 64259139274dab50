"""The run folder of the paper's experiment: where everything lies, and what it may be read as.

Layout, version 1. ``CYCLE`` is ``half`` (lambda/2, one fringe) or ``whole`` (lambda); ``NETWORK`` a
key of `models.network.NETWORKS`; ``MODEL`` one of `MODELS` without the first (``FT1-last``, ...).
Every file appears whole or not at all; a file that is there is finished and never made again.

``run.json``
    ``version``, ``kind`` (``paper`` or ``networks``), ``size``, ``settings``, ``inputs`` (each with
    the path given and the SHA-256 of its files), ``environment``, ``command``, ``commit``,
    ``started``. Written first.
``stages.csv``
    One line a finished stage: ``stage, seconds, finished, hardware``. Appended.
``data/frames.npz``, ``data/field.npz``
    Test maps at the pixel size of the run. For map i: ``displacement_i`` float32 (rows, columns),
    cumulative LOS displacement in m, + toward, NaN missing; ``peaks_i`` float64 (m, 2), row and
    column of the peaks of deformation. For all: ``name``, ``place`` (what the bootstrap draws),
    ``volcanic`` (1, 0, -1 not counted), ``longitude``, ``latitude`` (of the centre, degrees),
    ``rate`` (peak LOS rate, m/yr, NaN unknown), ``years``.
``data/backgrounds.npz``
    ``displacement`` float32 (n, size, size), ``origin``, ``longitude``, ``latitude``, ``look``
    (n, 3; NaN where unknown).
``data/injection.npz``, ``data/injection_plan.csv``
    ``displacement`` float32 (n, size, size) of the untouched patches, then of those with a source;
    ``frame``, ``place``, ``label``, ``rate`` (m/yr, signed, 0 without), ``width`` (m), ``years``.
    The plan is written before any training.
``data/synthetic-CYCLE-DIGEST.npy``
    The synthetic set, float16 (n, channels, size, size), mapped into memory; only if
    ``settings.store`` is set.
``pretrain/CYCLE/NETWORK/``
    ``rates.csv`` (learning rate, validation loss; the lowest is taken), ``rate-R/`` (its trials),
    ``log.csv``, ``tensorboard/``, ``best.ckpt`` (weights alone), ``last.ckpt`` (while training),
    ``model.safetensors``.
``features/CYCLE/NETWORK/SET.npz``
    ``features`` float16 (n, k), pooled, of all samples of a set; ``label`` int8. Sets: the
    constituents of the fine-tuning sets (``background``, ``filtered``; for each seed S ``hybrid-S``,
    ``hybrid_filtered-S``, ``volcano-S``, ``noise-S``) with ``index``; the test sets ``synthetic``,
    ``frames``, ``frames_low_pass``, ``injection``, ... in the order of the rows of predictions.
``finetune/CYCLE/MODEL/seed-S/``
    ``step-1/log.csv``, ... ; ``head.safetensors``: ``hidden.weight``, ... of the tuned head.
``predictions/CYCLE/TEST.parquet``
    TEST is ``synthetic``, ``frames``, ``injection`` or ``field``: one row for each patch, model,
    seed and filter. Columns: `PREDICTION_COLUMNS`.
``tables/``, ``figures/``
    Drawn from the above alone.
"""

from __future__ import annotations

VERSION = 1

MODELS = (
    "synthetic",
    "FT1-last",
    "FT1--1last",
    "FT1-last2",
    "FT1--1&last1",
    "FT2-last",
    "FT3-last",
    "FT4-last",
)
"""Rows of the paper's two tables: the synthetic model, then set-approach."""

PREDICTION_COLUMNS = {
    "model": "str: one of `MODELS`",
    "network": "str",
    "seed": "int: of the fine-tuning; of the training for the synthetic model",
    "low_pass": "bool: whether the test map went through the 20 px median filter",
    "frame": "str: name of the map",
    "place": "str: what the bootstrap draws",
    "patch": "int: number within the frame, row by row",
    "row": "int: upper left pixel of the patch in the frame",
    "column": "int",
    "label": "int: 1 with deformation, 0 without, -1 not counted",
    "rate": "float: peak LOS rate (m/yr) of the source in the frame; NaN unknown, 0 without",
    "missing": "float: share of missing pixels, 0-1",
    "logit": "float: log-odds of deformation",
    "probability": "float: 0-1; flagged over 0.5",
}
"""Columns of ``predictions/CYCLE/TEST.parquet``, with what they hold."""
