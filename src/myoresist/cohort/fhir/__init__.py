"""Bulk data of FHIR R4 as the tables of a registry.

``files`` finds the lines, ``picking`` sends them through the views of ``knowledge/exchange/views`` and keeps
those that could say something of a patient, ``rows`` reads each patient as the door for one patient does, and
``door`` puts the three together.
"""
