"""The texts with which Business NXT refuses a customer or a company, all in one place.

COMPANY_NOT_OPENED is the documented form. No text is published for the customer's refusals: the two others are our convention, and all that
matters is that they can be told apart.
"""

COMPANY_NOT_OPENED = (
    "Error: Could not get authorize user using VismaNetCompanyId: {number}. Description: External integration error. Status: 18."
)
CUSTOMER_NOT_ACTIVATED = (
    "Error: Could not get authorize user using VismaNetCustomerId: {number}. Description: Application is not activated for the customer."
)
CUSTOMER_UNKNOWN = "Error: Could not find customer using VismaNetCustomerId: {number}. Description: Customer does not exist."
COMPANY_BUSY = "Company {number} has {limit} requests in progress. Limit is {limit}."
CUSTOMER_BUSY = "Customer {number} has {limit} requests in progress. Limit is {limit}."  # by analogy with the company's
BUSY_CODE = "OUTSTANDING_LIMIT_EXCEEDED"
UNAUTHORIZED_PAGE = """<html>
<head><title>401 Authorization Required</title></head>
<body>
<center><h1>401 Authorization Required</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""
