"""What customers of other trades write: a template is not asked about those that it does not serve itself."""

from __future__ import annotations

TRADES: dict[str, list[str]] = {
    "bank": """
my bank card is about to expire
how do I put money on my card
adding money to my balance did not work
the cash machine kept my card
how do I set a new PIN for my bank card
can I have a virtual card for online payments
my bank transfer has not reached my friend yet
what is the exchange rate from euros to dollars
do you charge for taking out cash abroad
somebody used my card for a payment I do not know
freeze my card, it was stolen
why must I verify my identity
how long does an international transfer take
can my salary be paid into this account
what currencies can I hold in the app
the card machine in the shop refused my card
how do I link my bank card to my phone wallet
set up a standing order for the rent
what is the interest rate on your savings account
I want to apply for a mortgage
my direct debit was returned
what is the daily limit at cash machines
I would like a second plastic card for my wife
a top-up by bank transfer is missing from my balance
is there a minimum age for opening a bank account
how do I deposit a cheque
convert pounds into euros in the app
what is my account balance
when does my new debit card get here
does the contactless function work abroad
which shops take your Mastercard
the money was taken from my bank account twice
""".strip().splitlines(),
    "telecom": """
I have no signal on my phone
how much data do I have left this month
my internet is slow tonight
I want to keep my number when I change provider
activate roaming for my trip
the SIM card is not recognised
what does your fibre connection cost
my voicemail is full
the router keeps blinking red
how do I unlock the SIM
""".strip().splitlines(),
    "travel": """
change my seat on the flight to Rome
how much luggage may I take on board
my flight was delayed, what am I owed
check in for tomorrow's train
is breakfast included in the room
can I bring my dog on the plane
add a rental car to my trip
where is the gate for my connection
upgrade me to business class
can I check out later on Sunday
how early must I be at the airport
""".strip().splitlines(),
    "software": """
the app crashes when I open the dashboard
how do I export my data as a spreadsheet
add a new member to our workspace
rotate our API key
set up single sign-on for the team
how many seats are in our licence
the sync between my two devices stopped
which version of the browser do you support
our webhooks return an error
assign a role to a colleague in the project
""".strip().splitlines(),
    "health": """
book an appointment with the doctor
when are the results of my blood test ready
renew my prescription
does my insurance cover glasses
I feel dizzy since this morning
which vaccine do I need this winter
is the dentist free on Monday
how often do I take these tablets
""".strip().splitlines(),
    "insurance": """
I had a car accident and want to report the damage
does my policy cover water damage
how much is insurance for a young driver
add my partner to my home insurance
when is my premium due
""".strip().splitlines(),
    "utilities": """
submit my meter reading
the power is out in our street
I am moving house, sign off the electricity
why is my heating bill so high
when is the bin collected
""".strip().splitlines(),
    "work": """
how do I request parental leave
when is payday
submit my travel expenses
how many sick days may I take
who is in charge of hiring
I want to apply for a job
what is the dress code
when do my pension payments begin
""".strip().splitlines(),
    "food": """
the pizza arrived cold
is the soup vegan
book a table on the terrace
how long do I boil an egg
what wine goes with fish
what can I use instead of butter
""".strip().splitlines(),
    "car": """
the engine light is on
when is my next oil change due
what is the right tyre pressure
my car battery is dead
how do I renew my driving licence
how many litres does the tank hold
""".strip().splitlines(),
}
