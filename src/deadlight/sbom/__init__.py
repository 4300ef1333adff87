"""Bills of materials: CycloneDX is written; CycloneDX and SPDX that others made are read.

    reading.read_sbom(content, ...)            ->  the packages a document states
    merging.merge_stated(found, ...)           ->  what is in an image by its files and by those documents
    cyclonedx_writer.write_cyclonedx(bill, ..) ->  the document of an image

Everything is pure. A document of others can add to what was found in an image and never take anything away.
"""
