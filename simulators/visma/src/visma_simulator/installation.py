"""Everything Business NXT knows in a scenario: customers, who has activated our client, which companies are open, and their data."""

from dataclasses import replace

from visma_simulator.company import CompanyData
from visma_simulator.scenario import Access, Company, Customer, Scenario


class Installation:
    """The scenario as it is now: grants change through the control endpoint."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.customers: dict[int, Customer] = {customer.number: customer for customer in scenario.customers}
        companies = [company for customer in scenario.customers for company in customer.companies]
        self._data = {company.number: CompanyData(company, scenario.seed, scenario.today) for company in companies}
        self._access: dict[int, Access] = {company.number: company.access for company in companies}

    def activate(self, customer: int, *, activated: bool) -> None:
        self.customers[customer] = replace(self.customers[customer], activated=activated)

    def give_access(self, company: int, access: Access) -> None:
        if company not in self._access:
            raise KeyError(company)
        self._access[company] = access

    def access(self, company: int) -> Access:
        """What our client may do with a company; nothing when its customer has not activated us."""
        if company not in self._data or not self.customers[self._data[company].company.customer].activated:
            return "closed"
        return self._access[company]

    def listed(self, customer: Customer) -> list[Company]:
        """The companies that availableCompanies shows of a customer."""
        return [company for company in customer.companies if self.access(company.number) != "closed"]

    def data(self, company: int) -> CompanyData:
        return self._data[company]

    def companies(self) -> list[Company]:
        return [data.company for data in self._data.values()]
