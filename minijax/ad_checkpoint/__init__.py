"""checkpoint: compute again what a derivative needs, instead of keeping it."""

from minijax.ad_checkpoint.policies import checkpoint_policies as checkpoint_policies
from minijax.ad_checkpoint.remat import (
    checkpoint as checkpoint,
    checkpoint_name as checkpoint_name,
    remat as remat,
)
from minijax.ad_checkpoint.residuals import (
    print_saved_residuals as print_saved_residuals,
    saved_residuals as saved_residuals,
)
