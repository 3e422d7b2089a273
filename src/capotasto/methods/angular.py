"""The learning rate that suits vectors of a given size."""

ANGLE = 0.2  # peak step of Adam as a share of an embedding number's root mean square


def angular(rms: float) -> float:
    """The peak learning rate for vectors whose numbers have this root mean square.

    Adam moves every number by about the learning rate, so lr / rms is the angle by which a vector turns in a step;
    what turns a vector at the same pace suits bases of any width and scale (measured in dev/log.md).
    """
    return ANGLE * rms
