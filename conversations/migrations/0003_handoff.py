from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("conversations", "0002_external_effects"),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="people_spoke_at",
            field=models.DateTimeField(blank=True, help_text="When a person last took over, or said something.", null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="is_for_person",
            field=models.BooleanField(default=False, help_text="Of a customer's message: a person had, or took, the conversation."),
        ),
        migrations.AlterField(
            model_name="conversation",
            name="wants_person",
            field=models.BooleanField(default=False, help_text="A person was asked for, and none has come yet."),
        ),
    ]
