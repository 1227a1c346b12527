"""What the user reads when a Visma customer ID gives no access: what is wrong, and the way out as numbered steps."""

from contracts.visma import DenialReason

_NOTICED = "Nothing needs to be done here afterwards: it is noticed by itself within a few minutes."


def explain(reason: DenialReason, visma_customer_id: int, *, client_key: str) -> tuple[str, str]:
    """Message and hint. ``client_key`` is our public name, the one a customer types into Business NXT."""
    match reason:
        case DenialReason.NOT_ACTIVATED:
            message = f"The integration is not activated in Visma Business NXT for Visma customer ID {visma_customer_id}."
            hint = _steps(
                f"A system administrator activates the integration in Business NXT with our client key {client_key}.",
                "Open the table User there and show the column Connect Application.",
                f"Add a row with the user name {client_key}, tick Connect application, and save.",
                "Open the table Connect Application Access and add a row for that user with the company number.",
                "Choose an access group that may read everything, and save. Repeat this for every company.",
                _NOTICED,
            )
        case DenialReason.UNKNOWN_CUSTOMER:
            message = f"Visma knows no Visma customer ID {visma_customer_id}."
            hint = _steps(
                "Ask a system administrator for the Visma customer ID: it is shown in the Visma.net portal.",
                "Check that it is the number of the accounting firm, not of one of its companies.",
                "Remove the wrong ID from the organisation and enter the right one.",
            )
        case DenialReason.NO_COMPANY_OPENED:
            message = f"The integration is activated for Visma customer ID {visma_customer_id}, but no company is opened for it."
            hint = _steps(
                "A system administrator opens the table Connect Application Access in Business NXT.",
                f"Add a row for our client key {client_key} with the company number.",
                "Choose an access group that may read everything, and save. Repeat this for every company.",
                _NOTICED,
            )
        case DenialReason.VISMA_UNREACHABLE:
            message = "Visma Business NXT cannot be reached at the moment."
            hint = _steps(
                "Nothing needs to be done: it is tried again by itself, and companies that are connected stay connected.",
                "If it lasts for hours, look at Visma's status page.",
            )
        case DenialReason.NOT_AUTHENTICATED:
            message = "Visma does not let our service in at the moment."
            hint = _steps(
                "Nothing needs to be done: the fault is ours, our operators have been told, and it is tried again by itself.",
                "If it lasts for hours, contact support.",
            )
    return message, hint


def _steps(*steps: str) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))
