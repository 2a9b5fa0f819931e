"""What ends the comparison with one sentence."""


class Problem(Exception):
    """The message is a sentence for a person, saying what to do next where that is not plain."""
