"""What is on offer, in every published format?

Owns: `LicenseTerms`, the eight levers of a deal plus term and territory as one
frozen value; `PublishedTerms`, what a policy says to the world; and one module
per format, which both renders and reads it.

Does not own: who gets which terms (policy), or what was agreed (licenses).

Invariant: no format says more than `PublishedTerms`; a lever nobody touched
means the creator's default, never "anything goes".
"""
