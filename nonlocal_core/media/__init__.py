"""Media: from a file to its frames with times, and from frames to the input of a network."""

from nonlocal_core.media.frames import Frames, MediaInfo
from nonlocal_core.media.limits import Limits
from nonlocal_core.media.network_input import InputSpec, network_input, network_pixels
from nonlocal_core.media.reading import probe, read_frames
from nonlocal_core.media.samples import Sample, Stop, find_sample, list_samples
from nonlocal_core.media.selection import Selection

__all__ = [
    "Frames",
    "InputSpec",
    "Limits",
    "MediaInfo",
    "Sample",
    "Selection",
    "Stop",
    "find_sample",
    "list_samples",
    "network_input",
    "network_pixels",
    "probe",
    "read_frames",
]
