"""Question 1: was the original diagnosis right?"""
