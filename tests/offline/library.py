"""A public library's support: a template and tools that need no database. Ana writes in."""

import json

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agents.offline.model import OfflineChatModel
from agents.routing import RouteDecision
from agents.spec import TemplateSpec

LOAN = {
    "type": "string",
    "pattern": r"^\d{4,6}$",
    "description": "The loan number, for example 2041",
}


def function(name, required=(), **properties):
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {
        "type": "function",
        "function": {"name": name, "description": name, "parameters": parameters},
    }


TOOLS = {
    "loans": [
        function("list_loans"),
        function("get_loan", ["loan_number"], loan_number=LOAN),
        function(
            "renew_loan",
            ["loan_number"],
            loan_number=LOAN,
            days={"anyOf": [{"type": "integer", "minimum": 1, "maximum": 30}, {"type": "null"}]},
        ),
    ],
    "fees": [
        function("list_fees"),
        function(
            "pay_fee",
            ["amount"],
            amount={"type": "number", "exclusiveMinimum": 0, "description": "An amount of money"},
        ),
    ],
    "account": [
        function(
            "change_email",
            ["new_email"],
            new_email={"type": "string", "pattern": r"^[^@\s]+@[^@\s]+\.\w+$"},
        ),
    ],
}
TRANSFER = function(
    "transfer_to_agent", ["agent", "reason"], agent={"type": "string"}, reason={"type": "string"}
)

FIND_LOAN = {
    "tool": "list_loans",
    "items": "loans",
    "field": "loan_number",
    "where": {"renewable": ["yes"]},
    "label": "{loan_number}: {title}",
}


def make_template(**changes):
    content = {
        "slug": "library",
        "name": "City Library",
        "greeting": "Welcome!",
        "agents": [
            {
                "name": "loans",
                "label": "Loans",
                "description": "Borrowed books.",
                "prompt": "You are the desk of {company}.",
                "tools": [
                    {"name": "list_loans"},
                    {"name": "get_loan", "ask": {"loan_number": "Which loan is it?"}},
                    {
                        "name": "renew_loan",
                        "ask": {"loan_number": "Which loan shall I renew?"},
                        "find": {"loan_number": FIND_LOAN},
                        "reply": "I renewed {title} until {due_on}. It cost {price} EUR.",
                    },
                ],
                "intents": [
                    {
                        "name": "list_loans",
                        "description": "See what you have borrowed",
                        "tool": "list_loans",
                        "examples": [
                            "what books do I have at home",
                            "show me everything I borrowed",
                            "list my loans",
                            "which items are on my card",
                            "how many books do I have out",
                            "what did I borrow",
                        ],
                    },
                    {
                        "name": "loan_due",
                        "description": "Find out when a book is due",
                        "tool": "get_loan",
                        "examples": [
                            "when is loan 2041 due",
                            "when do I have to bring the book back",
                            "until when can I keep this book",
                            "what is the due date of my loan",
                            "is 2043 overdue",
                            "when must I give it back",
                            "what is the state of loan 2050",
                        ],
                    },
                    {
                        "name": "renew_loan",
                        "description": "Renew a loan",
                        "tool": "renew_loan",
                        "examples": [
                            "renew loan 2041",
                            "I want to extend my loan",
                            "can I keep the book longer",
                            "please prolong 2043",
                            "I need two more weeks for the novel",
                            "extend the book please",
                            "renew all of it",
                        ],
                    },
                ],
            },
            {
                "name": "fees",
                "label": "Fees",
                "description": "Fines and payments.",
                "prompt": "You collect fees.",
                "tools": [
                    {"name": "list_fees"},
                    {"name": "pay_fee", "ask": {"amount": "How much do you want to pay?"}},
                ],
                "intents": [
                    {
                        "name": "list_fees",
                        "description": "See your open fees",
                        "tool": "list_fees",
                        "examples": [
                            "what do I owe you",
                            "do I have open fines",
                            "show my fees",
                            "how high is my late fee",
                            "why was I charged a fine",
                            "is there anything left to pay",
                        ],
                    },
                    {
                        "name": "pay_fee",
                        "description": "Pay a fee",
                        "tool": "pay_fee",
                        "examples": [
                            "I want to pay my fine",
                            "pay 5 euros of my fees",
                            "let me settle the late fee",
                            "charge my card for the fine",
                            "how can I pay what I owe",
                            "pay everything I owe",
                        ],
                    },
                ],
            },
            {
                "name": "account",
                "label": "Account",
                "description": "The library card and its owner.",
                "prompt": "You keep the card file.",
                "tools": [
                    {"name": "change_email", "ask": {"new_email": "What is the new address?"}}
                ],
                "intents": [
                    {
                        "name": "change_email",
                        "description": "Change your email address",
                        "tool": "change_email",
                        "examples": [
                            "change my email address",
                            "I have a new email",
                            "update my mail to ana@example.com",
                            "my email is different now",
                            "use another email address for my account",
                            "the email on my card is wrong",
                        ],
                    },
                    {
                        "name": "opening_hours",
                        "description": "Opening hours",
                        "reply": "{company} is open from 10 to 18 on weekdays. Hello, {customer_name}.",
                        "examples": [
                            "when are you open",
                            "what are your opening hours",
                            "are you open on Saturday",
                            "when does the library close",
                            "how late can I come today",
                            "do you open on public holidays",
                        ],
                    },
                ],
            },
        ],
    }
    return TemplateSpec.model_validate({**content, **changes})


class Desk:
    """Speaks with the offline model and plays the graph's part: history in, messages out."""

    def __init__(self, cache_dir, template=None):
        self.template = template or make_template()
        self.cache_dir = cache_dir
        self.history = []
        router = OfflineChatModel(template=self.template, role="router", cache_dir=cache_dir)
        self._router = router.with_structured_output(RouteDecision)

    def route(self, text):
        answer = self._router.invoke([SystemMessage("route"), *self.history, HumanMessage(text)])
        self.raw = answer["raw"]
        return answer["parsed"]

    def agent(self, name, *, tools=None):
        model = OfflineChatModel(template=self.template, role=name, cache_dir=self.cache_dir)
        return model.bind_tools([*(TOOLS[name] if tools is None else tools), TRANSFER])

    def ask(self, name, text):
        """Let an agent answer a message."""
        self.history.append(HumanMessage(text))
        return self.go_on(name)

    def go_on(self, name, *extra):
        message = self.agent(name).invoke([SystemMessage("prompt"), *self.history, *extra])
        message.name = name
        self.history.append(message)
        return message

    def clarify(self, text):
        """Route an ambiguous message and keep the question, as the graph does."""
        decision = self.route(text)
        self.history += [
            HumanMessage(text),
            AIMessage(
                decision.clarification_question,
                name="router",
                additional_kwargs={"offline": self.raw.additional_kwargs["offline"]},
            ),
        ]
        return decision

    def result(self, content, outcome="ok"):
        """Give the last call its result."""
        for call in self.history[-1].tool_calls:
            text = content if isinstance(content, str) else json.dumps(content)
            self.history.append(
                ToolMessage(
                    text,
                    tool_call_id=call["id"],
                    name=call["name"],
                    status="success" if outcome == "ok" else "error",
                    additional_kwargs={"outcome": outcome},
                )
            )
        return self
