"""Effects: carries a plan out (convergence.py), proves that it arrived, and puts things back if it did not.

Rule of the package: nothing is imported here, because the command line wants the moment of success before the engine is loaded.
"""
