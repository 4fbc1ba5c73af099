"""`jax.experimental`: what may still change."""
