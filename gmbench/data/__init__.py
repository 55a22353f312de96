"""The dataset: from folders and archives of images to a Hugging Face dataset, and back.

The path of an image: `sources` finds it, `listing` assigns it to a GM, `shards` decodes it once
and stores its bytes unchanged, `inspection` reports what was found, `build` puts it all together,
`verification` checks the result, and `loading` opens it.
"""
