"""A suspicion report as the file of its receiver: one set of values, two forms, one check.

`values` says what a report is, `profiles` what each receiver asks, `letters` what fits into its
fields; `goaml` and `fincen` write the forms, and `schema` asks two engines about either.
"""
