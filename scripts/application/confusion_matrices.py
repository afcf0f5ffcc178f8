"""The confusion matrix of a method, of clips by true class and class said. PNG, as bytes."""

import numpy as np
from jaxtyping import Int64

from application.results import Actions
from application.scatter import INK
from flowfeat.visualization.figures import figure_of, plain_text, png_of
from recognition.report.pictures import NUMBERS_UP_TO


def confusion_matrix_picture(name: str, actions: Actions) -> bytes:
    """Each row coloured by its shares; clips are written into the cells where they fit.

    Args:
        name: of the method, heads the picture.
        actions: of its first seed the matrix, and the accuracy of that seed.
    """
    from matplotlib.colors import PowerNorm  # takes a second to import

    confusion: Int64[np.ndarray, "classes classes"] = np.array(actions.confusion, np.int64)
    clips = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, clips, out=np.zeros(confusion.shape), where=clips > 0)
    classes = len(actions.classes)
    many = classes > NUMBERS_UP_TO
    size = 6 if many else 9
    side = max(2.4, (0.11 if many else 0.36) * classes) + 0.075 * size / 9 * max(map(len, actions.classes)) + 0.5
    figure = figure_of(side + 0.2, side)
    axes = figure.add_subplot()
    # Where numbers do not fit, a root of the share: one clip of forty would be as white as none.
    axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.4 if many else 1, vmin=0, vmax=1))
    names = [plain_text(each) for each in actions.classes]
    axes.set_xticks(range(classes), names, rotation=90, fontsize=size)
    axes.set_yticks(range(classes), names, fontsize=size)
    axes.set_xlabel("class said", fontsize=9)
    axes.set_ylabel("true class", fontsize=9)
    told = f"{name}\naccuracy {100 * actions.accuracies[0]:.1f} %, {actions.clips} clips, seed {actions.seeds[0]}"
    axes.set_title(plain_text(told), fontsize=10, loc="left", color=INK)
    between, ends = np.arange(1, classes) - 0.5, (-0.5, classes - 0.5)
    axes.hlines(between, *ends, color="#e4e4e4", linewidth=0.6)
    axes.vlines(between, *ends, color="#e4e4e4", linewidth=0.6)
    axes.tick_params(length=2)
    if not many:
        for true, said in zip(*np.nonzero(confusion), strict=True):
            ink = "white" if shares[true, said] > 0.5 else INK
            axes.text(said, true, str(confusion[true, said]), ha="center", va="center", fontsize=8.5, color=ink)
    return png_of(figure)
