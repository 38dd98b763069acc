"""Faults of disks, processes, clocks and callers, each with a count and with a proof that it would be noticed.

`shop` is a gateway without doors on a real data folder: it sells, records, folds
and signs by the gateway's own code. A fault is put in its way, then `verdict`
opens the folder as the next gateway would and says what is wrong. What somebody
was told (`shop.Said`) lies outside the folder and survives every fault.
"""
