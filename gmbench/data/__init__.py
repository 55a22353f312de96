"""The dataset: from folders and archives of images to a Hugging Face dataset, and back.

The way of an image: `sources` finds it, `listing` says which GM it belongs to, `shards` decodes
it once and stores its bytes unchanged, `inspection` reports what was found, `build` puts it all
together, `verification` checks the result, `loading` opens it.
"""
