"""Tables that are read, and what is counted or computed beside them.

papers       the three papers' result tables
counting     multiply-adds of each operator at any input size
similarity   CKA between layers of the bundled models
"""
