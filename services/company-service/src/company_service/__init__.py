"""Companies, company groups and the rules of the company form."""
