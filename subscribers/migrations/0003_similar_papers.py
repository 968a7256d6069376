"""A reader may have a thin letter filled up with similar papers; off unless chosen."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('subscribers', '0002_consent_is_immutable'),
    ]

    operations = [
        migrations.AddField(
            model_name='subscriber',
            name='similar_up_to',
            field=models.PositiveSmallIntegerField(default=0, help_text='When fewer papers match, fill the letter up to so many with those most like what the reader saved. 0 is off, 10 the most.', validators=[django.core.validators.MaxValueValidator(10)], verbose_name='fill up with similar papers to'),
        ),
        migrations.AddConstraint(
            model_name='subscriber',
            constraint=models.CheckConstraint(condition=models.Q(('similar_up_to__lte', 10)), name='subscriber_similar_up_to_0_to_10'),
        ),
    ]
